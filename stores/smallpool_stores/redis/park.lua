-- A device gets its link, unless it has one, and what is kept of it is parked in the same step: from here on it begins anew.
--
-- KEYS: the link, what is to be parked, the index, the marks, then what else is kept, each of which goes.
-- ARGV: the link and its time to live (ms); then of marks and all else the names under which they are parked.
-- Returns {the link, fields and values parked}. Marks stay as well: the like of what the device did after its link is its own still.

local link = redis.call('GET', KEYS[1])
if not link then
  link = ARGV[1]
  -- What takes room goes first: a server whose memory is full refuses a script that begins by that, and lets one end that has begun.
  redis.call('SET', KEYS[1], link, 'PX', ARGV[2])
  for place = 4, #KEYS do
    local kept, name = redis.call('GET', KEYS[place]), ARGV[place - 1]
    if kept then
      redis.call('HSET', KEYS[2], name, kept)
    end
    if place > 4 then
      redis.call('UNLINK', KEYS[place])
      redis.call('ZREM', KEYS[3], name)
    end
  end
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
return {link, redis.call('HGETALL', KEYS[2])}
