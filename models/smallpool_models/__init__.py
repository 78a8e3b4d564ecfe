"""Item understanding: text comes in, selling points, category, tags and quality go out."""
