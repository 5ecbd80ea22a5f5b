"""The kit that our emulators of AWS services share.

`wire` turns bytes into validated requests and documents into bytes, by botocore's models. `resources`
keeps what a service knows and moves it along its states. `jobs` does long work in worker processes.
`http` puts a service on a port and makes it fail on demand. `engine` lets time pass for all of them.

Nothing here knows a service by name: models, states, quotas and limits come as arguments.
"""
