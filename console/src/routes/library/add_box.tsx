import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Button } from '../../components/button';
import { FieldError } from '../../components/field_error';
import { Icon } from '../../components/icon';
import { tell } from '../../components/toasts';
import { plural } from '../../format';
import { ingestUrl } from '../../services/ingest';
import { addFiles } from '../../services/uploads';

const MEDIA = 'audio/*,video/*,.mkv,.flac,.opus,.m4a';

/** Files by drop or choice, and addresses by paste. The whole page takes a drop. */
export function AddBox() {
  const chooser = useRef<HTMLInputElement>(null);
  const dropping = useDrop(addFiles);
  return (
    <section className={dropping ? 'add add-dropping' : 'add'} aria-label="Add recordings">
      <div className="add-files">
        <Icon name="upload" size={26} />
        <p>
          <strong>{dropping ? 'Let go to add them' : 'Drop recordings here'}</strong>
          <span className="muted">
            Video or sound, any number at once. An upload that breaks goes on where it stopped.
          </span>
        </p>
        <Button look="primary" onClick={() => chooser.current?.click()}>
          Choose files
        </Button>
        <input
          ref={chooser}
          type="file"
          multiple
          accept={MEDIA}
          className="visually-hidden"
          tabIndex={-1}
          aria-label="Files to add"
          onChange={(event) => {
            addFiles(event.target.files ?? []);
            event.target.value = '';
          }}
        />
      </div>
      <AddUrls />
    </section>
  );
}

function useDrop(onFiles: (files: Iterable<File>) => void): boolean {
  const [dropping, setDropping] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDropping(true);
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setDropping(false);
    };
    const onDrop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDropping(false);
      onFiles(event.dataTransfer?.files ?? []);
    };
    addEventListener('dragover', onOver);
    addEventListener('dragleave', onLeave);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragover', onOver);
      removeEventListener('dragleave', onLeave);
      removeEventListener('drop', onDrop);
    };
  }, [onFiles]);
  return dropping;
}

/** Addresses in a text, one a line or side by side. */
export function parseUrls(text: string): string[] {
  return [...new Set(text.split(/\s+/).filter((word) => /^https?:\/\/[^/\s]+/i.test(word)))];
}

function AddUrls() {
  const client = useQueryClient();
  const [text, setText] = useState('');
  const [trying, setTrying] = useState('');
  const urls = parseUrls(text);
  const add = useMutation({
    mutationFn: async () => {
      // One after the other; those not yet added stay in the box when one is refused.
      for (const url of urls) {
        setTrying(url);
        await ingestUrl(url);
        setText((current) => current.replace(url, '').trim());
      }
      return urls.length;
    },
    onSuccess: (count) => tell(`${plural(count, 'address', 'addresses')} added`),
    onSettled: () => client.invalidateQueries({ queryKey: ['videos'] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (urls.length > 0) add.mutate();
  };
  return (
    <form className="add-urls" onSubmit={submit}>
      <input
        className="input grow"
        aria-label="Addresses of recordings"
        placeholder="…or paste addresses: https://…"
        inputMode="url"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          add.reset();
        }}
      />
      <Button type="submit" disabled={urls.length === 0 || add.isPending}>
        {add.isPending ? 'Adding…' : urls.length > 1 ? `Add ${urls.length}` : 'Add'}
      </Button>
      <FieldError error={add.error} about={trying} />
    </form>
  );
}
