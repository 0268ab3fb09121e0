"""The sessions list, the case page, and the pages that act: GET shows the plan, POST performs it."""
