"""The run itself: datagrams to verdicts, by stream time, the same in batch, replay and live."""
