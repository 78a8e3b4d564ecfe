-- State and marks of one person, both or neither, and only if nobody else has applied an event of theirs since they were read.
--
-- KEYS: the state, the marks.
-- ARGV: SHA-1 of the marks as they were read, the state and its time to live (ms), the marks and theirs; empty takes a key away.
-- Returns 1, or 0 where the marks are not those that were read.

if redis.sha1hex(redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then
  return 0
end
-- What takes room goes first, so that a server whose memory is full refuses it, and with it everything.
for place, key in ipairs(KEYS) do
  if ARGV[place * 2] ~= '' then
    redis.call('SET', key, ARGV[place * 2], 'PX', ARGV[place * 2 + 1])
  end
end
for place, key in ipairs(KEYS) do
  if ARGV[place * 2] == '' then
    redis.call('UNLINK', key)
  end
end
return 1
