-- Notes that the scores of sellers moved; a note and its time to live are one step, and old notes go.
--
-- KEYS: sorted set of sellers by when they moved. ARGV: how long a note is kept (ms), now, then the sellers.

for place = 3, #ARGV do
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[place])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2] - ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
