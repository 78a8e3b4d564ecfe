-- Notes that an item has weight in some pools; a note and its time to live are one step, so that none stays for ever.
--
-- KEYS: the pools of one item. ARGV: how long the note is kept (ms), then the pools.

for place = 2, #ARGV do
  redis.call('ZADD', KEYS[1], 0, ARGV[place])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
