"""What is streamed in: events, and records of items, users and actions."""
