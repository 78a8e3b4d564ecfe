"""The demo: a generated marketplace, its sellers and buyers, and what smallpool makes of them, told in the terminal."""
