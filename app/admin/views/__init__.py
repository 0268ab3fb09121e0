"""The generated views, one module per part of the sidebar."""
