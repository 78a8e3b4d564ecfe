"""The write path: an event comes in, an understood, pooled, recorded and indexed item goes out."""
