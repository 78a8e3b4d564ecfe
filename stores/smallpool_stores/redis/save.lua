-- State and marks of one person, both or neither, and only if nobody else has applied an event of theirs, linked or erased them, since
-- they were read.
--
-- KEYS: the state, the marks, the erasure, the link.
-- ARGV: SHA-1 of the marks as they were read, the state and its time to live (ms), the marks and theirs; empty takes a key away. Then
-- the erasure and the link as they were read, and SHA-1 of the state.
-- Returns 1, or 0 where one of these is not as it was read.

local function stored(place)
  return redis.call('GET', KEYS[place]) or ''
end
if redis.sha1hex(stored(2)) ~= ARGV[1] or stored(3) ~= ARGV[6] or stored(4) ~= ARGV[7] or redis.sha1hex(stored(1)) ~= ARGV[8] then
  return 0
end
-- What takes room goes first, so that a server whose memory is full refuses it, and with it everything.
for place = 1, 2 do
  if ARGV[place * 2] ~= '' then
    redis.call('SET', KEYS[place], ARGV[place * 2], 'PX', ARGV[place * 2 + 1])
  end
end
for place = 1, 2 do
  if ARGV[place * 2] == '' then
    redis.call('UNLINK', KEYS[place])
  end
end
return 1
