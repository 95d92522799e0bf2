package org.kazasu.sample

import android.os.Bundle
import org.kazasu.sample.model.Added
import org.kazasu.sample.model.add
import org.kazasu.sample.ui.addMember

/** Someone new. */
class AddMemberActivity : SampleActivity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        draw(null)
    }

    private fun draw(refusal: String?): Unit = show(
        kit.addMember(refusal) { name, birthDate, consent ->
            when (val added = model.household.add(name, birthDate, consent, language)) {
                Added.Yes -> finish()
                is Added.No -> draw(added.text)
            }
        },
    )
}
