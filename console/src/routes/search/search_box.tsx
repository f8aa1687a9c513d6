import { type FormEvent, useEffect, useState } from 'react';
import { Button, IconButton } from '../../components/button';
import { Icon } from '../../components/icon';

interface SearchBoxProps {
  value: string;
  busy: boolean;
  onSearch: (query: string) => void;
}

const QUERY_LENGTH_MAX = 1024;

export function SearchBox({ value, busy, onSearch }: SearchBoxProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSearch(text.trim());
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: <search> is not known to all browsers yet
    <form role="search" className="searchbox" onSubmit={submit} aria-busy={busy}>
      <Icon name="search" size={20} />
      <input
        data-search
        type="search"
        aria-label="Search what was said"
        placeholder="What was said?"
        value={text}
        maxLength={QUERY_LENGTH_MAX}
        onChange={(event) => setText(event.target.value)}
        // biome-ignore lint/a11y/noAutofocus: the page is for typing a query
        autoFocus={value === ''}
        enterKeyHint="search"
      />
      {text ? (
        <IconButton
          icon="close"
          label="Clear"
          onClick={() => {
            setText('');
            onSearch('');
          }}
        />
      ) : (
        <kbd className="searchbox-key">/</kbd>
      )}
      <Button look="primary" type="submit">
        Search
      </Button>
    </form>
  );
}
