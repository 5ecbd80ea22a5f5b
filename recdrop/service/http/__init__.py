"""The edge of a service: its port, its rate limits, and its faults on demand."""
