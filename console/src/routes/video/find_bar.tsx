import { IconButton } from '../../components/button';
import { Icon } from '../../components/icon';

interface FindBarProps {
  text: string;
  at: number; // index of the current match
  count: number;
  onText: (text: string) => void;
  onStep: (step: -1 | 1) => void;
}

/** Finds within the transcript; Enter and Shift+Enter go on and back. */
export function FindBar({ text, at, count, onText, onStep }: FindBarProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: <search> is not known to all browsers yet
    <div className="find" role="search">
      <Icon name="search" size={16} />
      <input
        data-search
        type="search"
        aria-label="Find in this transcript"
        placeholder="Find in this transcript"
        value={text}
        maxLength={200}
        onChange={(event) => onText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onStep(event.shiftKey ? -1 : 1);
          if (event.key === 'Escape') {
            onText('');
            event.currentTarget.blur();
          }
        }}
      />
      {text && (
        <>
          <span className="number muted" role="status">
            {count === 0 ? 'none' : `${at + 1} of ${count}`}
          </span>
          <IconButton icon="up" label="Previous match" size={16} onClick={() => onStep(-1)} />
          <IconButton icon="down" label="Next match" size={16} onClick={() => onStep(1)} />
        </>
      )}
    </div>
  );
}
