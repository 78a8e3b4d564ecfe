"""How the asynchronous client of Elasticsearch sends a request once more: where a connection fails, and within a budget.

In: a request. Out: the reply of the node that answered. A node may have closed a connection that lay idle, or be gone while others are
there; after a timeout nothing is sent again, since the time is used up.
"""

from typing import Any

from elastic_transport import AsyncTransport, ConnectionError, TransportApiResponse  # noqa: A004

from smallpool_stores.retry_budget import RetryBudget


class BudgetedTransport(AsyncTransport):
    """Tries a second time itself, because the transport below would do so whatever the number of failures."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.budget = RetryBudget()

    async def perform_request(self, *args: Any, **options: Any) -> TransportApiResponse:  # type: ignore[override]
        once = options | {"max_retries": 0}
        self.budget.called()
        try:
            return await super().perform_request(*args, **once)
        except ConnectionError:
            if not self.budget.may_retry():
                raise
            return await super().perform_request(*args, **once)
