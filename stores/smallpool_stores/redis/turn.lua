-- Holds a turn for longer, or gives it back, if it is still the caller's own.
--
-- KEYS: the turn. ARGV: whose it is, how long from now on it lasts (ms; 0 gives it back).

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
