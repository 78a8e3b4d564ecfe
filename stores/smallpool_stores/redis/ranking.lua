-- The first members of a ranking, packed as one reply, see `weights.lua`.
--
-- KEYS: the ranking. ARGV: how many. Returns them as msgpack, or nothing where there are none.

local members = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)
return #members > 0 and cmsgpack.pack(members)
