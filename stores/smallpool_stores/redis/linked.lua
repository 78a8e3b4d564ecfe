-- Whose a device is, what of its waits to be merged, and, where it has no link yet, how its index lists what it has.
--
-- KEYS: the link, what is parked, the index. Returns {the link or nil, fields and values parked, names}.

local link = redis.call('GET', KEYS[1])
return {link, redis.call('HGETALL', KEYS[2]), link and {} or redis.call('ZRANGE', KEYS[3], 0, -1)}
