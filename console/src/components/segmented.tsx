import * as ToggleGroup from '@radix-ui/react-toggle-group';
import { Icon, type IconName } from './icon';

export interface Choice<T extends string> {
  value: T;
  label: string;
  icon?: IconName;
  hint?: string;
}

interface SegmentedProps<T extends string> {
  label: string;
  value: T;
  choices: readonly Choice<T>[];
  onChange: (value: T) => void;
}

/** One of a few choices, all of them in sight. */
export function Segmented<T extends string>({
  label,
  value,
  choices,
  onChange,
}: SegmentedProps<T>) {
  return (
    <ToggleGroup.Root
      type="single"
      className="segmented"
      aria-label={label}
      value={value}
      onValueChange={(next) => {
        const choice = choices.find((candidate) => candidate.value === next);
        if (choice) onChange(choice.value);
      }}
    >
      {choices.map((choice) => (
        <ToggleGroup.Item
          key={choice.value}
          value={choice.value}
          className="segmented-item"
          title={choice.hint}
        >
          {choice.icon && <Icon name={choice.icon} size={16} />}
          {choice.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
