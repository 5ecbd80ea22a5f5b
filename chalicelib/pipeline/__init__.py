"""The tasks of statemachines/pipeline.asl.json, a module for each of its sections.

A task is a plain function of a context and a declared event; what it answers is declared too. Each
can be entered again at any time. Big things travel by S3 key; a task that waits raises
ResourcePending.

    lease           take_lease, release_lease
    files           normalise_files
    check           check_export
    dataset_group   prepare_group, import_dataset
    training        train
    scoring         score
    deciding        what is written of a decision
    release         update_campaign, verify_campaign, roll_back
    batch           run_batch_inference
    recommenders    what the tasks of a solution are for a recommender
    quotas          whether all that is wanted fits
    truth           what the gate asks
    closing         write_report, notify
"""
