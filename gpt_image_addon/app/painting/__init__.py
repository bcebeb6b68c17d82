"""Objects painted by several requests, one view after another. Main thread only."""
