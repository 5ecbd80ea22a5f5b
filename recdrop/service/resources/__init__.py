"""What a service knows: resources, how they are declared, kept, and moved from state to state."""
