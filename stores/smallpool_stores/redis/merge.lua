-- What is kept of a user, with what was parked of a device: all of it or nothing, once, and only if nothing has changed since it was read.
--
-- KEYS: the user's devices, the index, then strings.
-- ARGV: the device, the link; then of each string the SHA-1 of what was read, what it becomes, its time to live (ms) and the name by which
-- the index lists it, empty for none: until the next claim of that list says when it ends, the index does not let go of it.
-- Returns 1 where it is merged, by this call or an earlier one, or will never be since the user was erased; 0 where something has changed.

local merged = redis.call('HGET', KEYS[1], ARGV[1])
if not merged or merged == ARGV[2] then
  return 1
end
for place = 3, #KEYS do
  if redis.sha1hex(redis.call('GET', KEYS[place]) or '') ~= ARGV[place * 4 - 9] then
    return 0
  end
end
-- The first write takes room, so that a server whose memory is full refuses it, and with it everything.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
for place = 3, #KEYS do
  local value, ttl, name = ARGV[place * 4 - 8], ARGV[place * 4 - 7], ARGV[place * 4 - 6]
  redis.call('SET', KEYS[place], value, 'PX', ttl)
  if name ~= '' then
    redis.call('ZADD', KEYS[2], '+inf', name)
    redis.call('PEXPIRE', KEYS[2], ttl)
  end
end
return 1
