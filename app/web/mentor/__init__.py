"""A mentor answers requests, sets times and prices, and sees what was earned."""
