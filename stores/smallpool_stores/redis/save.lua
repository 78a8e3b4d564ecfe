-- State and marks of one person, both or neither, and only if nobody else has applied an event of theirs, or erased them, since they
-- were read.
--
-- KEYS: the state, the marks, the erasure.
-- ARGV: SHA-1 of the marks as they were read, the state and its time to live (ms), the marks and theirs; empty takes a key away. Then
-- the erasure as it was read.
-- Returns 1, or 0 where marks or erasure are not those that were read.

if redis.sha1hex(redis.call('GET', KEYS[2]) or '') ~= ARGV[1] or (redis.call('GET', KEYS[3]) or '') ~= ARGV[6] then
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
