-- SPDX-License-Identifier: EUPL-1.2
CREATE TABLE postbox_message (
	id TEXT PRIMARY KEY,
	person TEXT NOT NULL,
	case_id TEXT NOT NULL,
	office TEXT NOT NULL,
	subject TEXT NOT NULL,  -- in several languages: JSON
	body TEXT NOT NULL,     -- in several languages: JSON
	documents TEXT NOT NULL, -- JSON: ids and titles
	sent_at BIGINT NOT NULL,
	read_at BIGINT NOT NULL -- 0: not yet
);
CREATE INDEX postbox_message_person ON postbox_message (person, sent_at, id);
CREATE INDEX postbox_message_unread ON postbox_message (person) WHERE read_at = 0;
CREATE INDEX postbox_message_case ON postbox_message (case_id, id);
