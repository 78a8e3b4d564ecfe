"""Folders of trained models: what they hold, how they are checked, and how a running process changes over to a new one."""
