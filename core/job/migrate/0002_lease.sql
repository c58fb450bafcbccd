-- What a killed process left behind is found at once among millions of timers.
CREATE INDEX job_task_leased ON job_task (id) WHERE lease <> '';
