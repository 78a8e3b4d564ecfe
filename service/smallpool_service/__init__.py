"""The read path and its HTTP API: a request comes in, a claimed page goes out."""
