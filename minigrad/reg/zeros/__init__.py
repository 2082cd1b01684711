"""What exact zeros are good for: counting them, and a smaller network without them."""
