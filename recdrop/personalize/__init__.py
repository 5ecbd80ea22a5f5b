"""The local Amazon Personalize: speaks the service's API, and trains real models.

A request comes in through `server` and `service`. `control` answers what is asked of resources, by
the declarations in `kinds`; `events` takes in what is streamed; `answers` recommends. `work` is what
the worker processes do. `data` and `filters` are the datasets and filter expressions that all of
them read.
"""
