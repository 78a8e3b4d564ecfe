-- What was parked of a device is merged, and goes; unless the device has got another link since.
--
-- KEYS: the link, what is parked. ARGV: the link.

if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('UNLINK', KEYS[2])
end
return 1
