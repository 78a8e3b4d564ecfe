"""The log on Kafka, the owner of items with its wide table, and the tails of `item-wide`: one module a thing, `clients` under all."""
