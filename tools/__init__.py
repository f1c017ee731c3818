"""Programs for people who run or develop Greenroom; nothing in `app` imports them."""
