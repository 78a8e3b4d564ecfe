"""What each pool gives as it is served, judged about once a minute: figures of the last hour, alerts, and the word to who is to know."""
