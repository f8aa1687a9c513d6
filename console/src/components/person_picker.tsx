import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useEffect, useId, useState } from 'react';
import { formatDuration, plural } from '../format';
import { type Person, peopleQuery, type Who } from '../services/people';
import { FieldError } from './field_error';
import { Icon } from './icon';

const NAME_LENGTH_MAX = 200;
const SHOWN_MAX = 8;
const TYPING_MS = 150;

interface PersonPickerProps {
  label: string;
  except?: string | null; // a person who is not offered
  mayCreate?: boolean; // a name that nobody has makes a new person
  busy: boolean;
  error: unknown;
  onPick: (who: Who, name: string) => void;
}

interface Option {
  key: string;
  who: Who;
  name: string;
  note: string;
}

/** What can be picked for a text; a person of exactly that name makes a new one needless. */
export function optionsFor(people: readonly Person[], text: string, mayCreate: boolean): Option[] {
  const named = people.flatMap(({ person_id, name, videos_count, speech_ms }): Option[] =>
    name === null
      ? []
      : [
          {
            key: person_id,
            who: { person_id },
            name,
            note:
              videos_count > 0
                ? `${plural(videos_count, 'recording')}, ${formatDuration(speech_ms)}`
                : 'not heard yet',
          },
        ],
  );
  const known = named.some(({ name }) => name.toLowerCase() === text.toLowerCase());
  if (!mayCreate || !text || known) return named;
  return [...named, { key: 'new', who: { name: text }, name: text, note: 'a new person' }];
}

/** A box that completes the names of known people; arrows and Enter, or a click, pick one. */
export function PersonPicker(props: PersonPickerProps) {
  const { label, except = null, mayCreate = false, busy, error, onPick } = props;
  const id = useId();
  const [text, setText] = useState('');
  const [asked, setAsked] = useState('');
  const [at, setAt] = useState(0);
  const [entered, setEntered] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const people = useQuery(
    peopleQuery({ state: 'named', limit: SHOWN_MAX, ...(asked && { q: asked }) }),
  );
  const found = (people.data?.items ?? []).filter(({ person_id }) => person_id !== except);
  const options = optionsFor(found, text.trim(), mayCreate);
  const chosen = options[Math.min(at, options.length - 1)];
  // What is on the screen must be what was typed: Enter waits for it.
  const settled = people.isSuccess && !people.isPlaceholderData && asked === text.trim();
  useEffect(() => {
    if (!entered || !settled) return;
    setEntered(false);
    if (chosen && !busy) onPick(chosen.who, chosen.name);
  }, [entered, settled, chosen, busy, onPick]);

  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && options.length > 0) {
      event.preventDefault();
      setAt((Math.min(at, options.length - 1) + step + options.length) % options.length);
    }
    if (event.key === 'Enter') {
      event.preventDefault();
      setEntered(true);
    }
  };
  return (
    <div className="picker">
      <label className="field">
        <span>{label}</span>
        <input
          role="combobox"
          aria-expanded={options.length > 0}
          aria-controls={`${id}list`}
          aria-activedescendant={chosen && `${id}${chosen.key}`}
          aria-autocomplete="list"
          autoComplete="off"
          value={text}
          maxLength={NAME_LENGTH_MAX}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
            setEntered(false);
          }}
          onKeyDown={onKeyDown}
        />
      </label>
      <FieldError error={error ?? people.error} />
      <div role="listbox" id={`${id}list`} aria-label="People" className="picker-list">
        {options.map((option) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are the combobox's
          <div
            key={option.key}
            id={`${id}${option.key}`}
            role="option"
            tabIndex={-1}
            aria-selected={option === chosen}
            className="picker-option"
            onClick={() => busy || onPick(option.who, option.name)}
          >
            <Icon name={option.key === 'new' ? 'edit' : 'person'} size={16} />
            <span className="grow">{option.name}</span>
            <span className="muted small number">{option.note}</span>
          </div>
        ))}
      </div>
      {people.isSuccess && options.length === 0 && (
        <p className="muted small">
          {mayCreate ? 'Nobody is named yet: write a name.' : 'Nobody else is called that.'}
        </p>
      )}
    </div>
  );
}
