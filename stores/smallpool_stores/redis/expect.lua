-- A user is to expect what is kept of a device; an erasure of theirs ends that.
--
-- KEYS: the user's devices. ARGV: the device, the time to live (ms).

redis.call('HSETNX', KEYS[1], ARGV[1], '')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
