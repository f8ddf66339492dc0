use std::collections::BTreeMap;
use std::ops::RangeBounds;
use std::sync::Arc;

/// An ordered table whose changes since the last commit can be taken back.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, Arc<V>>,
    undo: Vec<(K, Option<Arc<V>>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), undo: Vec::new() }
    }
}

impl<K: Clone, V> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), undo: self.undo.clone() }
    }
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key).map(Arc::as_ref)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        let old = self.rows.insert(key.clone(), Arc::new(value));
        self.undo.push((key, old));
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<Arc<V>> {
        let old = self.rows.remove(key)?;
        self.undo.push((key.clone(), Some(Arc::clone(&old))));
        Some(old)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.rows.iter().map(|(key, value)| (key, value.as_ref()))
    }

    pub(super) fn range<R: RangeBounds<K>>(
        &self,
        range: R,
    ) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.rows.range(range).map(|(key, value)| (key, value.as_ref()))
    }

    pub(super) fn last_key(&self) -> Option<&K> {
        self.rows.last_key_value().map(|(key, _)| key)
    }

    pub(super) fn commit(&mut self) {
        self.undo.clear();
    }

    pub(super) fn roll_back(&mut self) {
        while let Some((key, old)) = self.undo.pop() {
            match old {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn rolling_back_restores_replaced_removed_and_new_rows() {
        let mut table = Table::default();
        table.insert(1, "one");
        table.insert(2, "two");
        table.commit();
        table.insert(1, "uno");
        table.insert(1, "eins");
        table.remove(&2);
        table.insert(2, "zwei");
        table.insert(3, "drei");
        table.roll_back();
        let rows: Vec<_> = table.iter().map(|(key, value)| (*key, *value)).collect();
        assert_eq!(rows, [(1, "one"), (2, "two")]);
    }
}
