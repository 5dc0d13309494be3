"""Cases: the detections of one line until it is closed, their evidence, measures and history, in one database."""
