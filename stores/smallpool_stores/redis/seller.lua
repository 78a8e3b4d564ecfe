-- What is known of one seller, replaced if it still is what it was when it was read.
--
-- KEYS: the record. ARGV: SHA-1 of the record as it was read, the new one, how long it is kept (ms).
-- Returns 1, or 0 where the record is not the one that was read.

if redis.sha1hex(redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
