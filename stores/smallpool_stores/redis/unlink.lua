-- A device of a user who is erased is nobody's from now on, and never anybody's again.
--
-- KEYS: the link, what is parked. ARGV: the user; where the device is linked to another, nothing happens.

local stored = redis.call('GET', KEYS[1])
local link = stored and cmsgpack.unpack(stored)
if link and link[1] == ARGV[1] then
  redis.call('SET', KEYS[1], cmsgpack.pack({'', link[2]}), 'KEEPTTL')
  redis.call('UNLINK', KEYS[2])
end
return 1
