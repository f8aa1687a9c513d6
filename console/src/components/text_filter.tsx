import { useEffect, useState } from 'react';
import { Icon } from './icon';

const TYPING_MS = 250;

interface TextFilterProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** Narrows a list while somebody types, a moment after each pause. */
export function TextFilter({ label, value, onChange }: TextFilterProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => onChange(text.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <label className="title-filter">
      <Icon name="search" size={16} />
      <input
        type="search"
        data-search
        aria-label={label}
        placeholder={label}
        value={text}
        maxLength={200}
        onChange={(event) => setText(event.target.value)}
      />
    </label>
  );
}
