-- Where a message leads in the portal: the application that an offer has prepared.
ALTER TABLE postbox_message ADD COLUMN link TEXT NOT NULL DEFAULT '';
