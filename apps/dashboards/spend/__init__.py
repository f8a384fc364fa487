"""What was spent, by one thing at a time: the page and its file."""
