-- Puts listings into one band and tells who else is in it. All keys are of one band by its place, so they share a slot.
--
-- KEYS: sorted sets of listings by when they were published, one a listing. ARGV: how long each is kept (ms), the most that each may
-- hold, then for each key the time of publication and the id.
-- Returns for each key its members, the earliest first.

local found = {}
for place, key in ipairs(KEYS) do
  redis.call('ZADD', key, ARGV[place * 2 + 1], ARGV[place * 2 + 2])
  redis.call('ZREMRANGEBYRANK', key, ARGV[2], -1)
  redis.call('PEXPIRE', key, ARGV[1])
end
for place, key in ipairs(KEYS) do
  found[place] = redis.call('ZRANGE', key, 0, -1)
end
return found
