import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button, IconButton } from '../../components/button';
import { ConfirmDialog } from '../../components/dialog';
import { FieldError } from '../../components/field_error';
import { Icon } from '../../components/icon';
import { ListState, Notice, sentence } from '../../components/list_state';
import { Menu, MenuItem } from '../../components/menu';
import { Time } from '../../components/time';
import { tell, tellError } from '../../components/toasts';
import { useMay } from '../../components/use_may';
import { formatDuration, plural } from '../../format';
import { ApiError } from '../../services/http';
import {
  createSource,
  deleteSource,
  isPollDue,
  type NewSource,
  pollSource,
  type Source,
  sourcesQuery,
} from '../../services/sources';

export function Sources() {
  const sources = useQuery(sourcesQuery);
  const mayChange = useMay('write:sources');
  // A server without these routes.
  if (sources.error instanceof ApiError && sources.error.status === 404) {
    return (
      <Notice icon="feed" title="This server does not follow feeds or folders yet">
        Recordings are added by hand, under Recordings. After an update of the server, feeds and
        folders can be followed here.
      </Notice>
    );
  }
  return (
    <section aria-label="Feeds and folders">
      {mayChange && <FollowForm />}
      <ListState
        query={sources}
        rows={3}
        tall
        empty={
          <Notice icon="feed" title="Nothing is followed yet">
            Follow a podcast or RSS feed, or a folder on the server: what is new there is imported
            by itself, each recording once.
          </Notice>
        }
      >
        {({ items, page }) => (
          <>
            <ul className="videos">
              {items.map((source) => (
                <SourceRow key={source.id} source={source} mayChange={mayChange} />
              ))}
            </ul>
            {page.total > items.length && (
              <p className="muted">
                The first {items.length} of {page.total}; the API lists all of them.
              </p>
            )}
          </>
        )}
      </ListState>
    </section>
  );
}

/** An address is a feed, a path is a folder; null for neither. */
export function sourceOf(text: string): NewSource | null {
  if (/^https?:\/\/[^/\s]+/i.test(text)) return { kind: 'feed', url: text };
  if (text.startsWith('/')) return { kind: 'folder', path: text };
  return null;
}

function FollowForm() {
  const client = useQueryClient();
  const [text, setText] = useState('');
  const source = sourceOf(text.trim());
  const follow = useMutation({
    mutationFn: createSource,
    onSuccess: (created) => {
      setText('');
      tell(`Following ${created.title ?? created.locator}`);
      return client.invalidateQueries({ queryKey: ['sources'] });
    },
  });
  const unclear = text.trim() !== '' && !source;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (source) follow.mutate(source);
  };
  return (
    <form className="add add-urls" onSubmit={submit}>
      <input
        className="input grow"
        aria-label="Feed or folder"
        placeholder="https://… of a feed, or /path of a folder on the server"
        value={text}
        maxLength={2048}
        aria-describedby={unclear ? 'source-form' : undefined}
        onChange={(event) => {
          setText(event.target.value);
          follow.reset();
        }}
      />
      <Button look="primary" type="submit" disabled={!source || follow.isPending}>
        {follow.isPending ? 'Following…' : 'Follow'}
      </Button>
      {unclear && (
        <p className="muted small field-error" id="source-form">
          A feed begins with https:// or http://, a folder with /
        </p>
      )}
      <FieldError error={follow.error} />
    </form>
  );
}

function SourceRow({ source, mayChange }: { source: Source; mayChange: boolean }) {
  const client = useQueryClient();
  const [confirming, setConfirming] = useState(false);
  const isDue = source.status !== 'polling' && isPollDue(source);
  const name = source.title ?? source.locator;
  const refresh = () => client.invalidateQueries({ queryKey: ['sources'] });
  const poll = useMutation({
    mutationFn: () => pollSource(source.id),
    onSuccess: () => {
      tell(`${name}: checking for new items`);
      return refresh();
    },
    onError: tellError,
  });
  const remove = useMutation({
    mutationFn: () => deleteSource(source.id),
    onSuccess: () => {
      setConfirming(false);
      tell(`No longer following ${name}`);
      return refresh();
    },
    onError: tellError,
  });
  return (
    <li className="video-row">
      <span className="source-icon">
        <Icon name={source.kind === 'feed' ? 'feed' : 'folder'} size={22} />
      </span>
      <div className="row-body">
        <span className="row-title">{name}</span>
        <span className="row-meta muted">
          {source.title && <span className="source-locator">{source.locator}</span>}
          <span>{plural(source.item_count, 'recording')} imported</span>
          <span>every {formatDuration(source.poll_interval_s * 1000)}</span>
          {source.status === 'polling' && <span>checking now…</span>}
          {isDue && <span>about to be checked</span>}
          {source.last_polled_at && (
            <span>
              checked <Time value={source.last_polled_at} />
            </span>
          )}
        </span>
        {source.error && (
          <span className="row-state row-warn">
            {sentence(source.error.message)}{' '}
            <span className="muted">
              {source.error.details?.hint
                ? sentence(source.error.details.hint)
                : 'It is tried again by itself.'}
            </span>
          </span>
        )}
      </div>
      {mayChange && (
        <div className="row-actions">
          <Button
            icon="retry"
            disabled={poll.isPending || source.status === 'polling'}
            onClick={() => poll.mutate()}
          >
            Check now
          </Button>
          <Menu trigger={<IconButton icon="more" label={`More for ${name}`} />}>
            <MenuItem icon="trash" danger onSelect={() => setConfirming(true)}>
              Stop following…
            </MenuItem>
          </Menu>
        </div>
      )}
      <ConfirmDialog
        open={confirming}
        onClose={() => setConfirming(false)}
        onConfirm={() => remove.mutate()}
        busy={remove.isPending}
        title={`Stop following ${name}?`}
        consequence="What was imported from it stays. New items are no longer imported."
        action="Stop following"
      />
    </li>
  );
}
