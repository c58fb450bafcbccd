-- Which findings the data protection officer has had a mail about, and when the last one was sent.
ALTER TABLE oversight_finding ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX oversight_finding_untold ON oversight_finding (id) WHERE told_at = 0 AND seen_at = 0;
ALTER TABLE oversight_state ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0;
