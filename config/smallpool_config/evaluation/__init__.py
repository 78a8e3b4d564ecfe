"""Quality of the whole read path, measured on public sessions: the service itself, in process, over pools drawn from real items."""
