-- Everything of one person, gone at once, and the note of it.
--
-- KEYS: the erasure, the index, the state, the marks, the profile, the link, what is parked, the devices, then seen lists and pages.
-- ARGV: the places by partition up to which the person is erased, msgpack; the erasure's time to live (ms); the names by which the
-- index lists those seen lists and pages. What is claimed meanwhile stays in the index, so that nothing is out of reach of the next call.

local stored, upto = redis.call('GET', KEYS[1]), cmsgpack.unpack(ARGV[1])
if stored then
  for partition, offset in pairs(cmsgpack.unpack(stored)) do
    upto[partition] = math.max(offset, upto[partition] or offset)
  end
end
for place = 3, #ARGV do
  redis.call('ZREM', KEYS[2], ARGV[place])  -- the one key whose type could be another, and an error here leaves everything
end
-- What makes room goes first: a server whose memory is full refuses a script that begins by taking some, and lets one end that has begun.
for place = 3, #KEYS do
  redis.call('UNLINK', KEYS[place])
end
if next(upto) then
  redis.call('SET', KEYS[1], cmsgpack.pack(upto), 'PX', ARGV[2])
end
return 1
