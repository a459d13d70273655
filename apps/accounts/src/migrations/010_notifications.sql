CREATE TABLE notifications (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL,
  -- What it is about: a connection, a sync, a day, a network.
  subject text NOT NULL,
  data jsonb NOT NULL,
  in_inbox boolean NOT NULL,
  -- A mail is to be queued; null when it was, or none is wanted.
  mail_due_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  read_at timestamptz,
  -- Its matter is over; from then on the person may be told the same anew.
  settled_at timestamptz
);
CREATE UNIQUE INDEX notifications_open ON notifications (user_id, kind, subject) WHERE settled_at IS NULL;
CREATE INDEX notifications_inbox ON notifications (user_id, created_at DESC, id DESC) WHERE in_inbox;
CREATE INDEX notifications_unread ON notifications (user_id) WHERE in_inbox AND read_at IS NULL;
CREATE INDEX notifications_mail ON notifications (mail_due_at) WHERE mail_due_at IS NOT NULL;
CREATE INDEX notifications_settled ON notifications (settled_at) WHERE settled_at IS NOT NULL;

-- Only what differs from what everybody has to begin with.
CREATE TABLE notification_preferences (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL,
  channel text NOT NULL CHECK (channel IN ('inbox', 'mail')),
  is_on boolean NOT NULL,
  PRIMARY KEY (user_id, kind, channel)
);

-- For a network or storage that is planned, by the id that it will have.
CREATE TABLE votes (
  provider text NOT NULL,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (provider, user_id)
);
CREATE INDEX votes_user ON votes (user_id);

-- For lists of everybody: newest first, and by how names and addresses begin.
CREATE INDEX users_created ON users (created_at DESC, id DESC);
CREATE INDEX users_name_begins ON users (lower(name) text_pattern_ops);
CREATE INDEX users_email_begins ON users (lower(email) text_pattern_ops);
