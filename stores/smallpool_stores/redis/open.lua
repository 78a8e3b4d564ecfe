-- A seen list and a page, as of one moment. A script and not a transaction, which a server whose memory is full would not queue.
--
-- KEYS: the seen list, the page. Returns {the seen list or nil, the elements of the page}.

return {redis.call('GET', KEYS[1]), redis.call('LRANGE', KEYS[2], 0, -1)}
